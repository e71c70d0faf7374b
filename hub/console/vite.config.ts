/**
 * What `npm run dev` and `npm run build` do. The build must work under the hub's content security
 * policy: no inline script or style, nothing from another origin, no data: fonts.
 */
import { defineConfig } from "vite";

// Where `npm run dev` finds the API: the mock server, or a hub given by GRIDWATCH_URL.
const api = process.env.GRIDWATCH_URL ?? "http://127.0.0.1:8790";

export default defineConfig({
  server: { proxy: { "/api": { target: api, changeOrigin: true } } },
  worker: { format: "es" },
  build: {
    // Control rooms keep browsers for years; these are from early 2022.
    target: ["chrome98", "firefox96", "safari15.4"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: true,
  },
});
