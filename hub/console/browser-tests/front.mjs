/**
 * Puts the console of this folder in front of a hub: files come from `dist/`, everything else goes to the hub.
 * For measuring and testing a build that the hub's program does not hold yet.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { MEDIA_TYPES } from "../dev/media-types.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

/** Whether the hub serves the very build of this folder. */
export async function servesThisBuild(url) {
  const own = readFileSync(join(DIST, "index.html"), "utf8");
  return (await (await fetch(url)).text()) === own;
}

/** Starts it on a free port; headers of the console's files are those that the hub itself gives. */
export async function startFront(url) {
  const given = await fetch(url);
  const kept = ["content-security-policy", "x-content-type-options", "referrer-policy"];
  const headers = Object.fromEntries(
    kept.flatMap((name) => (given.headers.has(name) ? [[name, given.headers.get(name)]] : [])),
  );
  const to = new URL(url);
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url ?? "/", url).pathname;
    if (/^\/(api|v1|healthz|readyz|metrics)\b/.test(path)) {
      const { method, headers: sent } = asked;
      const onwards = request({ host: to.hostname, port: to.port, path: asked.url, method, headers: sent });
      onwards.on("response", (got) => {
        answer.writeHead(got.statusCode, got.headers);
        answer.flushHeaders();
        got.pipe(answer);
      });
      onwards.on("error", () => answer.destroy());
      answer.on("close", () => onwards.destroy());
      asked.pipe(onwards);
      return;
    }
    const wanted = normalize(join(DIST, path));
    const found = wanted.startsWith(DIST) && existsSync(wanted) && statSync(wanted).isFile();
    const file = found ? wanted : join(DIST, "index.html");
    answer.writeHead(200, {
      ...headers,
      "Content-Type": MEDIA_TYPES[extname(file)] ?? "application/octet-stream",
    });
    answer.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
