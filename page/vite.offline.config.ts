import { defineConfig } from "vite";

// The map as one script, which `tacit report --interactive` writes into an HTML file together with its data.
export default defineConfig({
  build: {
    outDir: "../tacit/web/dist",
    emptyOutDir: false,
    lib: { entry: "src/offline.tsx", formats: ["iife"], name: "tacit", fileName: () => "offline.js", cssFileName: "offline" },
  },
  define: { "process.env.NODE_ENV": '"production"' },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
