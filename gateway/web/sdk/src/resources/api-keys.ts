import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import { defined, idempotent, signalOf, type CallOptions, type CreateOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, operations } from "../schema.js";

export type ApiKeysQuery = Loose<NonNullable<operations["listApiKeys"]["parameters"]["query"]>>;

/** What an API key may be allowed to do. A newer gateway may know more, so that any text is a scope. */
export type Scope =
  | "account:read"
  | "account:write"
  | "users:read"
  | "users:write"
  | "projects:read"
  | "projects:write"
  | "events:read"
  | "admin"
  | (string & {});

export type NewApiKey = Loose<Omit<CreateApiKeyRequest, "scopes"> & { scopes: Scope[] }>;

/** The API keys of whoever is signed in: for programs that act for this person. */
export function apiKeysOf({ signed }: Http) {
  const list = (query: ApiKeysQuery = {}, options: CallOptions = {}): Promise<Page<ApiKey>> =>
    pageOf(signed.GET("/api/v1/auth/api-keys", { params: { query: defined(query) }, ...signalOf(options) }));
  return {
    list,
    all: (query: ApiKeysQuery = {}, options: CallOptions = {}) => walk((next) => list(next, options), query),
    /**
     * Makes one. Its `secret` is shown this once, and null in the answer to a repeated `idempotencyKey`.
     * @throws PorticoError `REAUTHENTICATION_REQUIRED`, `TOO_MANY_API_KEYS`
     */
    create(input: NewApiKey, options: CreateOptions = {}): Promise<CreateApiKeyResponse> {
      return dataOf(
        signed.POST("/api/v1/auth/api-keys", {
          params: { header: idempotent(options) },
          body: defined(input),
          ...signalOf(options),
        }),
      );
    },
    async revoke(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/auth/api-keys/{id}", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
  };
}
