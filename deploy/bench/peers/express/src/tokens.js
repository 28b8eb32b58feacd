// Access tokens. One service that both makes and checks them needs no more than a shared secret, and
// of the usual libraries this one checks it soonest.
import { SignJWT, jwtVerify } from "jose";

const ALGORITHM = "HS256";
const ISSUER = "bench";
const AUDIENCE = "bench";

// Imported once: a key in bytes would be imported for each token.
const secret = Buffer.from(process.env.TOKEN_SECRET, "base64");
const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);

export function sign(userId) {
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(userId)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);
}

/** The id of the user whom a token speaks for. Throws if it is not valid now. */
export async function verify(token) {
  const options = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ["exp", "sub"] };
  return (await jwtVerify(token, key, options)).payload.sub;
}
