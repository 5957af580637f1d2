import { defineConfig } from "vite";

// The page, built into the package: one HTML file and hashed assets that nothing else has to serve.
export default defineConfig({
  base: "/",
  build: { outDir: "../tacit/web/dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
