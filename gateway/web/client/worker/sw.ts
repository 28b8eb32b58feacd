/**
 * The service worker: keeps the files of the client, so that it opens without a connection. It keeps no answer of
 * the API; what was loaded of that is kept by the pages themselves (`src/app/offline`).
 *
 * `build/service-worker.ts` writes `release` before this: what the build consists of, and its name.
 */

declare const self: ServiceWorkerGlobalScope;
declare const release: {
  /** Changes with any file. */
  version: string;
  /** The paths of all files, `/index.html` among them. */
  files: string[];
};

const prefix = "portico-";
const name = prefix + release.version;

/** These are the gateway's own pages, and belong to no client. */
const foreign = /^\/(api|socket\.io|docs|dev|oauth2|\.well-known)(\/|$)/;

/** The files are the same for everybody, whatever `Vary` says: it speaks of their encoding and of CORS. */
const whatever = { ignoreVary: true };

/** How long a page waits for the network before it opens from what is kept. */
const patience = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(keepRelease().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldReleases().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || foreign.test(url.pathname)) {
    return;
  }
  event.respondWith(request.mode === "navigate" ? page(request) : file(request));
});

/** Files whose name has a hash never change: those that an earlier release had too are not fetched again. */
async function keepRelease(): Promise<void> {
  const cache = await caches.open(name);
  await Promise.all(
    release.files.map(async (path) => {
      const known = path.startsWith("/assets/") ? await caches.match(path, whatever) : undefined;
      const response = known ?? (await fetch(path, { cache: "no-cache" }));
      if (!response.ok) {
        throw new Error(`${path} answered ${response.status}`);
      }
      await cache.put(path, response);
    }),
  );
}

/** The release before stays: pages that were opened with it may still need its files. */
async function forgetOldReleases(): Promise<void> {
  const others = (await caches.keys()).filter((other) => other.startsWith(prefix) && other !== name);
  await Promise.all(others.slice(0, -1).map((other) => caches.delete(other)));
}

/** A page comes from the network, so that a new release is there at once; without one, from what is kept. */
async function page(request: Request): Promise<Response> {
  const kept = async () => (await caches.open(name)).match("/index.html", whatever);
  const waiting = new AbortController();
  const timer = setTimeout(() => {
    waiting.abort();
  }, patience);
  try {
    const response = await fetch(request, { signal: waiting.signal });
    // It has begun to answer: the rest may take its time.
    clearTimeout(timer);
    return response.status < 500 ? response : ((await kept()) ?? response);
  } catch (error) {
    const shell = await kept();
    if (shell === undefined) {
      throw error;
    }
    return shell;
  }
}

/** A file comes from the release of the page that asks for it, so that the two always fit. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(name);
  return (
    (await cache.match(request, whatever)) ??
    (await caches.match(request, whatever)) ??
    (await fetch(request))
  );
}

export {};
