import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { NewApiKey } from "../resources/api-keys.js";
import type { ApiKey, Factors, Passkey, Session, User } from "../schema.js";
import { changeArray } from "./cache.js";
import { usePortico } from "./context.js";
import { keys } from "./keys.js";
import { useChange } from "./use-change.js";
import { QUERY, useWhole, type QueryOptions } from "./use-list.js";

/** Who is signed in, as the gateway has it. */
export function useMe(options: QueryOptions = {}): UseQueryResult<User> {
  const { auth } = usePortico();
  return useQuery({
    ...QUERY,
    queryKey: keys.me,
    queryFn: ({ signal }) => auth.me({ signal }),
    enabled: options.enabled ?? true,
  });
}

/** Where one is signed in. */
export function useSessions(options: QueryOptions = {}): UseQueryResult<readonly Session[]> {
  const { auth } = usePortico();
  return useWhole(keys.sessions, (call) => auth.sessions.all({}, call), options);
}

/** Shown at once, and taken back if it fails. */
export function useRevokeSession() {
  return useChange({
    run: ({ auth }, id: string) => auth.sessions.revoke(id),
    touches: () => [keys.sessions],
    guess: (client, id) => {
      changeArray<Session>(client, keys.sessions, (session) => (session.id === id ? null : session));
    },
  });
}

/** Signs out everywhere, here too. */
export function useLogoutAll() {
  return useChange({ run: ({ auth }) => auth.logoutAll(), touches: () => [] });
}

/** Has the link mailed again by which one's address is verified. */
export function useResendVerification() {
  return useChange({ run: ({ auth }) => auth.email.resend(), touches: () => [] });
}

/** What proves who one is beside the password. */
export function useFactors(options: QueryOptions = {}): UseQueryResult<Factors> {
  const { auth } = usePortico();
  return useQuery({
    ...QUERY,
    queryKey: keys.factors,
    queryFn: ({ signal }) => auth.mfa.factors({ signal }),
    enabled: options.enabled ?? true,
  });
}

export function useBeginTotp() {
  return useChange({ run: ({ auth }) => auth.mfa.beginTotp(), touches: () => [] });
}

export function useConfirmTotp() {
  return useChange({
    run: ({ auth }, input: { code: string }) => auth.mfa.confirmTotp(input),
    touches: () => [keys.factors],
  });
}

export function useDisableTotp() {
  return useChange({
    run: ({ auth }, input: { code: string }) => auth.mfa.disableTotp(input),
    touches: () => [keys.factors],
  });
}

export function useRenewRecoveryCodes() {
  return useChange({
    run: ({ auth }) => auth.mfa.renewRecoveryCodes(),
    touches: () => [keys.factors],
  });
}

export function usePasskeys(options: QueryOptions = {}): UseQueryResult<readonly Passkey[]> {
  const { auth } = usePortico();
  return useWhole(keys.passkeys, (call) => auth.passkeys.all({}, call), options);
}

/** Has the browser make a passkey, and adds it. */
export function useRegisterPasskey() {
  return useChange({
    run: ({ auth }, { name }: { name: string }) => auth.passkeys.register(name),
    touches: () => [keys.passkeys, keys.factors],
  });
}

/** Shown at once, and taken back if it fails. */
export function useRenamePasskey() {
  return useChange({
    run: ({ auth }, { id, name }: { id: string; name: string }) => auth.passkeys.rename(id, name),
    touches: () => [keys.passkeys],
    guess: (client, { id, name }) => {
      changeArray<Passkey>(client, keys.passkeys, (passkey) =>
        passkey.id === id ? { ...passkey, name } : passkey,
      );
    },
  });
}

export function useRemovePasskey() {
  return useChange({
    run: ({ auth }, id: string) => auth.passkeys.remove(id),
    touches: () => [keys.passkeys, keys.factors],
  });
}

export function useApiKeys(options: QueryOptions = {}): UseQueryResult<readonly ApiKey[]> {
  const { auth } = usePortico();
  return useWhole(keys.apiKeys, (call) => auth.apiKeys.all({}, call), options);
}

/** Makes an API key; its `secret` is in the answer, this once. */
export function useCreateApiKey() {
  return useChange({
    run: ({ auth }, input: NewApiKey) => auth.apiKeys.create(input),
    touches: () => [keys.apiKeys],
  });
}

export function useRevokeApiKey() {
  return useChange({
    run: ({ auth }, id: string) => auth.apiKeys.revoke(id),
    touches: () => [keys.apiKeys],
  });
}
