import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { compress } from "./static/build/compress.ts";

// Apps served by Django pages.
const entries = ["static/src/console/main.ts", "static/src/simulator/main.ts", "static/src/supervisor/main.ts"];

const devPort = Number(process.env["VITE_DEV_PORT"] ?? 5173);

export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [svelte(), compress()],
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsDir: "assets",
    // Every asset is a file: the policy of our pages loads fonts from here only, never from data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    rolldownOptions: { input: entries },
  },
  // `manage.py dev` starts this beside Django and tells both the port.
  server: {
    host: "127.0.0.1",
    port: devPort,
    strictPort: true,
    watch: { ignored: ["**/.venv/**", "**/.tools/**", "**/data/**", "**/tests/**", "**/.*_cache/**"] },
    origin: `http://127.0.0.1:${devPort}`,
    cors: { origin: /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/ },
  },
  test: {
    environment: "happy-dom",
    include: ["static/src/**/*.test.ts"],
  },
  // Vitest resolves Svelte to its server build otherwise.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
});
