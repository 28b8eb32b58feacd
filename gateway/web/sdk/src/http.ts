// The way of a call to the gateway: typed by the contract, with the token, again where that is right.
import createClient, { type Client } from "openapi-fetch";
import { errorOf, isRecord, NetworkError } from "./errors.js";
import type { Page } from "./pages.js";
import { isRepeatable, unlessAborted, withRetries } from "./retry.js";
import type { PageInfo, paths } from "./schema.js";

/** Clients for the paths of the contract. */
export interface Http {
  /** With the token of whoever is signed in. */
  readonly signed: Client<paths>;
  /** Without a token: for calls that sign in, and those for anybody. */
  readonly open: Client<paths>;
  /** Without a token, for calls that may be made twice though nothing in them says so. */
  readonly repeatable: Client<paths>;
}

/** Where tokens come from. */
export interface Bearer {
  /** A token that is good for a while, or null if nobody is signed in. */
  token: () => Promise<string | null>;
  /** A token other than the one that was refused, or null if that is not to be had. */
  renew: (refused: string) => Promise<string | null>;
}

export interface HttpOptions {
  baseUrl: string;
  fetch: (request: Request) => Promise<Response>;
  credentials: RequestCredentials;
  bearer: Bearer;
}

/** Refusals of a token after which another may do. All others are about what was asked. */
const RENEWABLE = new Set(["TOKEN_EXPIRED", "TOKEN_REVOKED", "UNAUTHENTICATED"]);

export function createHttp({ baseUrl, fetch, credentials, bearer }: HttpOptions): Http {
  const once = async (request: Request) => {
    try {
      // What is read of the request must still be there for the next time.
      return await received(await fetch(request.clone()));
    } catch (error) {
      request.signal.throwIfAborted();
      throw new NetworkError(error);
    }
  };
  const again = (request: Request) => withRetries(() => once(request), request.signal);
  const send = (request: Request) => (isRepeatable(request) ? again(request) : once(request));

  const signed = async (request: Request) => {
    const token = await unlessAborted(bearer.token(), request.signal);
    if (token === null) {
      return send(request);
    }
    const response = await send(withToken(request, token));
    if (response.status !== 401 || !RENEWABLE.has(await codeOf(response))) {
      return response;
    }
    const renewed = await unlessAborted(bearer.renew(token), request.signal);
    return renewed === null ? response : send(withToken(request, renewed));
  };

  const client = (fetch: (request: Request) => Promise<Response>) =>
    createClient<paths>({ baseUrl, fetch, credentials });
  return { signed: client(signed), open: client(send), repeatable: client(again) };
}

function withToken(request: Request, token: string): Request {
  const sent = request.clone();
  sent.headers.set("authorization", `Bearer ${token}`);
  return sent;
}

/** An answer that has arrived whole, so that one cut short counts as none. Streams stay streams. */
async function received(response: Response): Promise<Response> {
  if (!(response.headers.get("content-type") ?? "").startsWith("application/json")) {
    return response;
  }
  const { status, statusText, headers } = response;
  return new Response(await response.arrayBuffer(), { status, statusText, headers });
}

async function codeOf(response: Response): Promise<string> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return errorOf(response, body).code;
}

/** An answer of the client below. */
interface Answer<B> {
  data?: B;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer that says yes.
 * @throws PorticoError if it says no
 */
export async function bodyOf<B>(call: Promise<Answer<B>>): Promise<B> {
  const { data, error, response } = await call;
  if (data === undefined) {
    throw errorOf(response, error);
  }
  return data;
}

/**
 * What an answer is about.
 * @throws PorticoError if it says no
 */
export async function dataOf<D>(call: Promise<Answer<{ readonly data: D }>>): Promise<D> {
  return (await bodyOf(call)).data;
}

/**
 * The part of a list that an answer holds.
 * @throws PorticoError if it says no
 */
export async function pageOf<T>(
  call: Promise<Answer<{ readonly data: readonly T[]; readonly meta: { readonly pagination: PageInfo } }>>,
): Promise<Page<T>> {
  const { data, meta } = await bodyOf(call);
  return { items: data, pagination: meta.pagination };
}

/** The address of a gateway without a slash at its end: the page's own, unless another is given. */
export function baseUrlOf(given: string | undefined): string {
  const location: unknown = "location" in globalThis ? globalThis.location : null;
  const own = isRecord(location) && typeof location.origin === "string" ? location.origin : null;
  const url = given ?? own;
  if (url === null) {
    throw new TypeError("createPortico needs a baseUrl outside of browsers");
  }
  return url.replace(/\/+$/, "");
}
