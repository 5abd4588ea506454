import { defineConfig } from "vite";

// Paths are relative to this folder, which is Vite's root: `vite build page` runs in apps/dashboard.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    assetsDir: "assets",
    // light-dark() and custom properties reach the browser as written.
    target: ["chrome123", "firefox128", "safari17.5"],
    // Each of them knows modulepreload.
    modulePreload: { polyfill: false },
    // The content security policy refuses data: addresses for everything but pictures.
    assetsInlineLimit: 0,
    // hls.js is a chunk of its own, loaded only for a picture.
    chunkSizeWarningLimit: 700,
  },
});
