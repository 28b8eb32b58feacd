// Passkeys: between the gateway's JSON and the objects of the browser (Web Authentication, level 3).
import { isRecord } from "./errors.js";

/** The JSON form of what an authenticator said. */
export type CredentialJson = Record<string, unknown>;

/** Whether this browser can use passkeys. */
export function arePasskeysSupported(): boolean {
  return typeof PublicKeyCredential !== "undefined" && "credentials" in navigator;
}

/** Whether a browser can offer passkeys in the menu of a field (`mediation: "conditional"`). */
export async function canOfferPasskeys(): Promise<boolean> {
  return (
    arePasskeysSupported() &&
    "isConditionalMediationAvailable" in PublicKeyCredential &&
    (await PublicKeyCredential.isConditionalMediationAvailable())
  );
}

/** Whether the person, or the program that waited, ended the browser's dialog; or took too long. */
export function isPasskeyCancelled(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");
}

/** Has an authenticator make a passkey. */
export async function createCredential(
  options: unknown,
  signal: AbortSignal | undefined,
): Promise<CredentialJson> {
  requireSupport();
  const publicKey = creationOptions(options);
  const credential = await navigator.credentials.create({ publicKey, ...(signal && { signal }) });
  return toJson(credential);
}

/** Has an authenticator prove that it has one. */
export async function getCredential(
  options: unknown,
  request: { signal?: AbortSignal | undefined; mediation?: CredentialMediationRequirement | undefined },
): Promise<CredentialJson> {
  requireSupport();
  const credential = await navigator.credentials.get({
    publicKey: requestOptions(options),
    ...(request.signal && { signal: request.signal }),
    ...(request.mediation && { mediation: request.mediation }),
  });
  return toJson(credential);
}

function requireSupport(): void {
  if (!arePasskeysSupported()) {
    throw new DOMException("This browser has no passkeys.", "NotSupportedError");
  }
}

function creationOptions(options: unknown): PublicKeyCredentialCreationOptions {
  if (!isCreationOptions(options)) {
    throw new TypeError("the gateway's options for a passkey are incomplete");
  }
  if ("parseCreationOptionsFromJSON" in PublicKeyCredential) {
    return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  }
  const { user, challenge, excludeCredentials = [], rp, pubKeyCredParams, timeout } = options;
  const { authenticatorSelection, attestation } = options;
  return {
    rp,
    user: { ...user, id: bytesOf(user.id) },
    challenge: bytesOf(challenge),
    pubKeyCredParams: pubKeyCredParams.map(({ alg }) => ({ alg, type: "public-key" })),
    excludeCredentials: excludeCredentials.map(descriptor),
    ...(timeout !== undefined && { timeout }),
    ...(authenticatorSelection && { authenticatorSelection }),
    ...(attestation === "direct" || attestation === "indirect" ? { attestation } : {}),
  };
}

function requestOptions(options: unknown): PublicKeyCredentialRequestOptions {
  if (!isRequestOptions(options)) {
    throw new TypeError("the gateway's options for a passkey are incomplete");
  }
  if ("parseRequestOptionsFromJSON" in PublicKeyCredential) {
    return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  }
  const { challenge, allowCredentials = [], rpId, timeout, userVerification } = options;
  return {
    challenge: bytesOf(challenge),
    allowCredentials: allowCredentials.map(descriptor),
    ...(rpId !== undefined && { rpId }),
    ...(timeout !== undefined && { timeout }),
    ...(userVerification === "required" || userVerification === "discouraged" ? { userVerification } : {}),
  };
}

function descriptor({ id }: { id: string }): PublicKeyCredentialDescriptor {
  return { id: bytesOf(id), type: "public-key" };
}

function toJson(credential: Credential | null): CredentialJson {
  if (!(credential instanceof PublicKeyCredential)) {
    throw new DOMException("The browser gave no passkey.", "NotAllowedError");
  }
  if ("toJSON" in credential) {
    const json: unknown = credential.toJSON();
    if (isRecord(json)) {
      return json;
    }
  }
  return convert(credential);
}

/** What `toJSON` says, in browsers that do not have it. */
function convert(credential: PublicKeyCredential): CredentialJson {
  const { response } = credential;
  const answer: Record<string, unknown> = { clientDataJSON: textOf(response.clientDataJSON) };
  if (response instanceof AuthenticatorAttestationResponse) {
    answer.attestationObject = textOf(response.attestationObject);
    answer.transports = response.getTransports();
  } else if (response instanceof AuthenticatorAssertionResponse) {
    answer.authenticatorData = textOf(response.authenticatorData);
    answer.signature = textOf(response.signature);
    answer.userHandle = response.userHandle === null ? null : textOf(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: answer,
  };
}

/** Bytes of Base64 as URLs have it. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Bytes as Base64 as URLs have it, without padding. */
export function textOf(bytes: ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function isCreationOptions(value: unknown): value is PublicKeyCredentialCreationOptionsJSON {
  return (
    isRecord(value) &&
    typeof value.challenge === "string" &&
    isRecord(value.rp) &&
    isRecord(value.user) &&
    typeof value.user.id === "string" &&
    Array.isArray(value.pubKeyCredParams)
  );
}

function isRequestOptions(value: unknown): value is PublicKeyCredentialRequestOptionsJSON {
  return isRecord(value) && typeof value.challenge === "string";
}
