/**
 * Keeps the console's own files in the browser of a phone, so that it opens where there is no signal.
 * Never keeps an answer of the hub's API: cases are kept by the pages, by role, and go with signing out.
 * The build fills in the names of its files; a new build has another name for its cache and drops the old one.
 */
const FILES = __FILES__;
const CACHE = "gridwatch-__VERSION__";
/** The page itself is asked for this long before the kept one is shown. */
const PAGE_TIMEOUT_MS = 3000;

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("gridwatch-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

/** The newest page while there is a line, the kept one without. */
async function page(request) {
  const kept = await (await caches.open(CACHE)).match("/");
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PAGE_TIMEOUT_MS);
  try {
    const answer = await fetch(request.url, { signal: abort.signal, credentials: "same-origin" });
    if (answer.ok || kept === undefined) return answer;
    return kept;
  } catch (error) {
    if (kept !== undefined) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function file(request) {
  const kept = await (await caches.open(CACHE)).match(request.url);
  return kept ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/api/") || url.pathname.startsWith("/v1/")) return;
  event.respondWith(request.mode === "navigate" ? page(request) : file(request));
});
