import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { createContext, createElement, use, useEffect, useSyncExternalStore, type ReactNode } from "react";
import type { Portico } from "../portico.js";
import type { User } from "../schema.js";
import type { SessionState } from "../session.js";
import { keys } from "./keys.js";

const PorticoContext = createContext<Portico | null>(null);

export interface PorticoProviderProps {
  portico: Portico;
  /** Keeps what was loaded; emptied when somebody signs out, or somebody else in. */
  queryClient: QueryClient;
  children?: ReactNode;
}

/** Gives all components below a connection, and a cache for what comes over it. */
export function PorticoProvider({ portico, queryClient, children }: PorticoProviderProps) {
  useEffect(() => {
    const adopt = ({ status, user }: SessionState) => {
      const cached = queryClient.getQueryData<User>(keys.me);
      if (status === "signedOut" || (user !== null && cached !== undefined && cached.id !== user.id)) {
        queryClient.clear();
      }
      if (user !== null) {
        queryClient.setQueryData(keys.me, user);
      }
    };
    adopt(portico.session.getState());
    return portico.session.subscribe(adopt);
  }, [portico, queryClient]);
  return createElement(
    PorticoContext,
    { value: portico },
    createElement(QueryClientProvider, { client: queryClient }, children),
  );
}

/** The connection that `PorticoProvider` gives. */
export function usePortico(): Portico {
  const portico = use(PorticoContext);
  if (portico === null) {
    throw new TypeError("usePortico needs a PorticoProvider around it");
  }
  return portico;
}

/** Who is signed in, and all that has to do with it: `login`, `register`, `logout` and the rest of `portico.auth`. */
export function useAuth(): SessionState & Portico["auth"] {
  const { session, auth } = usePortico();
  const state = useSyncExternalStore(session.subscribe, session.getState, session.getState);
  return { ...state, ...auth };
}
