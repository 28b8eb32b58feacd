// A person with a browser, Chromium, and its virtual authenticator: adds a
// passkey on a page of an installation and signs in by it. Prints what came of
// each step as one JSON object.
//
//   node passkeys.cjs CHROMIUM PAGE PASSWORD
const { chromium } = require("playwright-core");

// What a page of a client does. It runs in the browser, so it has no other scope.
const visit = async ({ email, password }) => {
  let token = null;
  const call = async (path, body, method = "POST") => {
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(`/api/v1/auth/${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    const { data, error } = await answer.json();
    return { status: answer.status, data, code: error?.code };
  };
  const create = async () => {
    const { data } = await call("passkeys/registration/options", {});
    const options = PublicKeyCredential.parseCreationOptionsFromJSON(data.publicKey);
    const credential = await navigator.credentials.create({ publicKey: options });
    return { ceremonyId: data.ceremonyId, credential: credential.toJSON() };
  };
  const get = async ({ ceremonyId, publicKey }) => {
    const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
    const credential = await navigator.credentials.get({ publicKey: options });
    return { ceremonyId, credential: credential.toJSON() };
  };
  const seen = {};

  const registered = await call("register", { email, password, name: "Ada" });
  token = registered.data.token;
  seen.added = await call("passkeys", { ...(await create()), name: "Chromium" });
  seen.excluded = await create().catch((error) => error.name);

  token = null;
  const begun = await call("passkeys/login/options", {});
  const shown = await get(begun.data);
  seen.signedIn = await call("passkeys/login", { ...shown, cookie: true });
  seen.replayed = await call("passkeys/login", shown);
  seen.refreshed = await call("refresh", {});

  const challenged = await call("login", { email, password });
  const { mfaToken, methods } = challenged.data;
  seen.methods = methods;
  const options = await call("mfa/passkey/options", { mfaToken });
  seen.answered = await call("mfa/challenge", { mfaToken, ...(await get(options.data)) });
  token = seen.answered.data.token;
  seen.listed = await call("passkeys", undefined, "GET");
  return seen;
};

const main = async ([executablePath, page, password]) => {
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const tab = await browser.newPage();
  await tab.goto(page);
  const devtools = await tab.context().newCDPSession(tab);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const seen = await tab.evaluate(visit, { email: "ada@example.com", password });
  console.log(JSON.stringify(seen));
  await browser.close();
};

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
