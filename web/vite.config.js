import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// File names without a hash: the server adds one of its own, so that the committed bundle keeps its names and a change
// shows as a change. One script and one style sheet: the whole page is smaller than two round trips are long.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../crates/headroom-server/src/dashboard/bundle",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rollupOptions: {
      output: {
        entryFileNames: "assets/app.js",
        assetFileNames: "assets/app[extname]",
        codeSplitting: false,
      },
    },
  },
  // For work on the page alone: `npm run dev` beside a running `headroom serve`.
  server: { proxy: { "/v1": process.env.HEADROOM_CONTROL ?? "http://127.0.0.1:8081" } },
});
