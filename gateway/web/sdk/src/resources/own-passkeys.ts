import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import { defined, idempotent, signalOf, type CallOptions, type CreateOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import { createCredential, type CredentialJson } from "../passkeys.js";
import type { Ceremony, CreatePasskeyRequest, operations, Passkey } from "../schema.js";

export type PasskeysQuery = Loose<NonNullable<operations["listPasskeys"]["parameters"]["query"]>>;

/** The passkeys of whoever is signed in. */
export function ownPasskeysOf({ signed }: Http) {
  const list = (query: PasskeysQuery = {}, options: CallOptions = {}): Promise<Page<Passkey>> =>
    pageOf(signed.GET("/api/v1/auth/passkeys", { params: { query: defined(query) }, ...signalOf(options) }));
  const begin = (options: CallOptions = {}): Promise<Ceremony> =>
    dataOf(signed.POST("/api/v1/auth/passkeys/registration/options", signalOf(options)));
  const create = (input: CreatePasskeyRequest, options: CreateOptions = {}): Promise<Passkey> =>
    dataOf(
      signed.POST("/api/v1/auth/passkeys", {
        params: { header: idempotent(options) },
        body: input,
        ...signalOf(options),
      }),
    );
  return {
    list,
    all: (query: PasskeysQuery = {}, options: CallOptions = {}) => walk((next) => list(next, options), query),
    /** Begins to add one; `register` does it all. */
    begin,
    /** Adds what an authenticator has made. */
    create,
    /**
     * Has the browser make a passkey, and adds it under that name.
     * @throws DOMException if the person cancelled: see `isPasskeyCancelled`
     * @throws PorticoError `REAUTHENTICATION_REQUIRED`, `PASSKEY_LIMIT_REACHED`
     */
    async register(name: string, options: CreateOptions = {}): Promise<Passkey> {
      const { ceremonyId, publicKey } = await begin(options);
      const credential: CredentialJson = await createCredential(publicKey, options.signal);
      return create({ ceremonyId, name, credential }, options);
    },
    rename(id: string, name: string, options: CallOptions = {}): Promise<Passkey> {
      return dataOf(
        signed.PATCH("/api/v1/auth/passkeys/{id}", {
          params: { path: { id } },
          body: { name },
          ...signalOf(options),
        }),
      );
    },
    /** @throws PorticoError `REAUTHENTICATION_REQUIRED` */
    async remove(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/auth/passkeys/{id}", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
  };
}
