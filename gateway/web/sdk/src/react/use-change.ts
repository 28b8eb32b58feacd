import {
  useMutation,
  useQueryClient,
  type QueryClient,
  type QueryKey,
  type UseMutationResult,
} from "@tanstack/react-query";
import type { Portico } from "../portico.js";
import { usePortico } from "./context.js";
import { optimistically } from "./cache.js";

/** A change, and what it means for the cache. */
export interface Change<V, R> {
  run: (portico: Portico, variables: V) => Promise<R>;
  /** What may be another after it, and is loaded again. */
  touches: (variables: V) => readonly QueryKey[];
  /** Shows what is touched as it will be, if all goes well. It is taken back if not. */
  guess?: (client: QueryClient, variables: V) => void;
  /** Takes over what the gateway answered. */
  learn?: (client: QueryClient, result: R, variables: V) => void;
}

const mutationKey = ["portico"];

/** A mutation that fails at once without a connection, rather than wait unseen. */
export function useChange<V = void, R = unknown>(change: Change<V, R>): UseMutationResult<R, Error, V> {
  const portico = usePortico();
  const client = useQueryClient();
  return useMutation({
    mutationKey,
    retry: false,
    networkMode: "always",
    mutationFn: (variables: V) => change.run(portico, variables),
    onMutate: (variables) =>
      change.guess === undefined
        ? undefined
        : optimistically(client, change.touches(variables), () => change.guess?.(client, variables)),
    onError: (_error, _variables, takeBack) => takeBack?.(),
    onSuccess: (result, variables) => change.learn?.(client, result, variables),
    onSettled: (_result, _error, variables) => {
      // What is loaded between two changes would show the second as not made.
      const isLast = client.isMutating({ mutationKey }) === 1;
      for (const queryKey of change.touches(variables)) {
        void client.invalidateQueries({ queryKey, refetchType: isLast ? "active" : "none" });
      }
    },
  });
}
