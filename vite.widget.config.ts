import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { compress } from "./static/build/compress.ts";

// The chat widget: one script other people's pages load, everything in it. Its name never changes (it stands in
// those pages), so it carries no hash and is cached for minutes only.
export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [
    // Styles go into the root the component is mounted in: the widget's shadow root.
    svelte({ compilerOptions: { css: "injected" } }),
    compress(),
  ],
  build: {
    outDir: "static/dist",
    emptyOutDir: false,
    target: "es2022",
    lib: {
      entry: "static/src/widget/main.ts",
      formats: ["iife"],
      name: "ContactCenterWidget",
      fileName: () => "widget.js",
    },
  },
});
