import { PorticoProvider } from "@portico/sdk/react";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { startKeeping } from "./app/offline/keeping";
import { keepClient } from "./app/offline/service-worker";
import { leave } from "./app/leave";
import { portico, queryClient, whenSignedOut } from "./app/portico";
import { router } from "./app/router";
import "./styles.css";

// Nothing is said before something is done.
const Toaster = lazy(async () => ({ default: (await import("./ui/toaster")).Toaster }));

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no element #root");
}

whenSignedOut((reason) => void leave(reason));
keepClient(router);
startKeeping(() => router.invalidate());

createRoot(root).render(
  <StrictMode>
    <PorticoProvider portico={portico} queryClient={queryClient}>
      <RouterProvider router={router} />
      <Suspense>
        <Toaster />
      </Suspense>
    </PorticoProvider>
  </StrictMode>,
);
