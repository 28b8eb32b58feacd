import { bodyOf, dataOf, pageOf, type Http } from "../http.js";
import { defined, idempotent, signalOf, type CallOptions, type CreateOptions, type Loose } from "../input.js";
import { walk, type Page } from "../pages.js";
import type { ApiKey, CreateApiKeyResponse, operations, ServiceAccount } from "../schema.js";
import type { NewApiKey } from "./api-keys.js";

export type ServiceAccountsQuery = Loose<
  NonNullable<operations["listServiceAccounts"]["parameters"]["query"]>
>;
export type ServiceAccountKeysQuery = Loose<
  NonNullable<operations["listServiceAccountKeys"]["parameters"]["query"]>
>;

/** Programs that act for themselves, and their keys. ADMIN only. */
export function serviceAccountsOf({ signed }: Http) {
  const list = (query: ServiceAccountsQuery = {}, options: CallOptions = {}): Promise<Page<ServiceAccount>> =>
    pageOf(
      signed.GET("/api/v1/service-accounts", { params: { query: defined(query) }, ...signalOf(options) }),
    );
  const listKeys = (
    serviceAccountId: string,
    query: ServiceAccountKeysQuery = {},
    options: CallOptions = {},
  ): Promise<Page<ApiKey>> =>
    pageOf(
      signed.GET("/api/v1/service-accounts/{serviceAccountId}/keys", {
        params: { path: { serviceAccountId }, query: defined(query) },
        ...signalOf(options),
      }),
    );
  return {
    list,
    all: (query: ServiceAccountsQuery = {}, options: CallOptions = {}) =>
      walk((next) => list(next, options), query),
    create(input: { name: string }, options: CreateOptions = {}): Promise<ServiceAccount> {
      return dataOf(
        signed.POST("/api/v1/service-accounts", {
          params: { header: idempotent(options) },
          body: input,
          ...signalOf(options),
        }),
      );
    },
    async remove(id: string, options: CallOptions = {}): Promise<void> {
      await bodyOf(
        signed.DELETE("/api/v1/service-accounts/{id}", { params: { path: { id } }, ...signalOf(options) }),
      );
    },
    keys: {
      list: listKeys,
      /** Makes a key. Its `secret` is shown this once. */
      create(
        serviceAccountId: string,
        input: NewApiKey,
        options: CreateOptions = {},
      ): Promise<CreateApiKeyResponse> {
        return dataOf(
          signed.POST("/api/v1/service-accounts/{serviceAccountId}/keys", {
            params: { path: { serviceAccountId }, header: idempotent(options) },
            body: defined(input),
            ...signalOf(options),
          }),
        );
      },
      async revoke(serviceAccountId: string, id: string, options: CallOptions = {}): Promise<void> {
        await bodyOf(
          signed.DELETE("/api/v1/service-accounts/{serviceAccountId}/keys/{id}", {
            params: { path: { serviceAccountId, id } },
            ...signalOf(options),
          }),
        );
      },
    },
  };
}
