import { existsSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// Apps served by Django pages; each is built when its entry is there.
const entries = ["static/src/console/main.ts", "static/src/flow_editor/main.ts"].filter((path) => existsSync(path));

export default defineConfig({
  base: "/static/",
  plugins: [svelte()],
  build: {
    outDir: "static/dist",
    manifest: "manifest.json",
    target: "es2023",
    rolldownOptions: { input: entries },
  },
  test: {
    environment: "happy-dom",
    include: ["static/src/**/*.test.ts"],
  },
  // Vitest resolves Svelte to its server build otherwise.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
});
