/**
 * What `npm run dev` and `npm run build` do. The build must work under the hub's content security
 * policy: no inline script or style, nothing from another origin, no data: fonts.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// Where `npm run dev` finds the API: the mock server, or a hub given by GRIDWATCH_URL.
const api = process.env.GRIDWATCH_URL ?? "http://127.0.0.1:8790";

/** Files that a phone keeps: all but the map, which is large and needs no dead zone. */
const kept = (name: string) => !/map|tiles/.test(name) && !name.endsWith(".map");

/** Writes `sw.js` with the names of the files of this build. */
function serviceWorker(): Plugin {
  return {
    name: "gridwatch-service-worker",
    apply: "build",
    generateBundle(_options, bundle) {
      const built = Object.values(bundle).map((each) => ({
        name: each.fileName,
        source: each.type === "chunk" ? each.code : each.source,
      }));
      const fixed = readdirSync("public").map((name) => ({ name, source: readFileSync(`public/${name}`) }));
      const files = [...built, ...fixed]
        .filter((each) => kept(each.name))
        .sort((a, b) => a.name.localeCompare(b.name));
      const hash = createHash("sha256");
      for (const { name, source } of files) hash.update(name).update(source);
      const list = [
        "/",
        ...files.filter((each) => each.name !== "index.html").map((each) => `/${each.name}`),
      ];
      const code = readFileSync("src/offline/service-worker.js", "utf8")
        .replace("__FILES__", () => JSON.stringify(list))
        .replace("__VERSION__", hash.digest("hex").slice(0, 16));
      this.emitFile({ type: "asset", fileName: "sw.js", source: code });
    },
  };
}

export default defineConfig({
  plugins: [serviceWorker()],
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
