import { PorticoProvider } from "@portico/sdk/react";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { portico, queryClient } from "./app/portico";
import { router } from "./app/router";
import "./styles.css";
import { Toaster } from "./ui/toaster";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no element #root");
}

createRoot(root).render(
  <StrictMode>
    <PorticoProvider portico={portico} queryClient={queryClient}>
      <RouterProvider router={router} />
      <Toaster />
    </PorticoProvider>
  </StrictMode>,
);
