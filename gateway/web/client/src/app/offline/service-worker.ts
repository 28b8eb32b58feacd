import type { AnyRouter } from "@tanstack/react-router";

const anHour = 60 * 60_000;

/**
 * Has the service worker keep the files of the client. It takes over a new release by itself; a page that was opened
 * with an older one goes on with it, and becomes the new one when its person goes to another page.
 */
export function keepClient(router: AnyRouter): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) {
    return;
  }
  const workers = navigator.serviceWorker;
  let isKept = workers.controller !== null;
  let isOutdated = false;
  workers.addEventListener("controllerchange", () => {
    isOutdated = isKept;
    isKept = true;
  });
  router.subscribe("onBeforeNavigate", ({ toLocation, pathChanged }) => {
    if (isOutdated && pathChanged) {
      window.location.assign(toLocation.href);
    }
  });

  const register = async () => {
    // Where a browser allows no service worker, as in some private windows, the client works online alone.
    const registration = await workers.register("/sw.js", { updateViaCache: "none" }).catch(() => null);
    let asked = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && Date.now() - asked > anHour) {
        asked = Date.now();
        void registration?.update().catch(() => undefined);
      }
    });
  };
  // The page itself comes first.
  if (document.readyState === "complete") {
    void register();
  } else {
    window.addEventListener("load", () => void register(), { once: true });
  }
}
