// The pages behind links in mails. Nothing happens before the button is pressed.

const element = (id) => document.getElementById(id);
const form = element("form");
const password = element("password");
const problem = element("problem");
const done = element("done");

let token = null;

/** Takes the token from the address, where nobody who looks on should see it. */
function begin() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  token = fragment.get("token");
  done.hidden = true;
  form.hidden = !token;
  tell(token ? null : "The link is not complete. Open it from the mail again.");
}

function tell(text) {
  problem.hidden = !text;
  problem.textContent = text ?? "";
}

/** Calls the API. The data of the answer, or an error with a text for people. */
async function call(path, body) {
  let answer;
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
      redirect: "error",
    });
    answer = await response.json();
  } catch {
    throw new Error("Portico does not answer at the moment. Try again in a minute.");
  }
  if (answer.success) return answer.data;
  const { code, message, details } = answer.error;
  // A link that is no good does not become better by another try.
  form.hidden = code === "LINK_INVALID";
  const faults = code === "VALIDATION_FAILED" ? details : [];
  const sentences = faults.map((fault) => `The password ${fault.message}.`);
  throw new Error(sentences.join(" ") || message);
}

/** Runs what a button does, and keeps it from being pressed again meanwhile. */
async function press(button, action) {
  button.disabled = true;
  tell(null);
  try {
    await action();
  } catch (error) {
    tell(error.message);
    if (password && !form.hidden) password.focus();
  } finally {
    button.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  press(element("button"), async () => {
    const body = password ? { token, newPassword: password.value } : { token };
    const data = await call(form.dataset.action, body);
    token = null;
    form.reset();
    form.hidden = true;
    done.hidden = false;
    offerReset(data?.email);
  });
});

/** After an undo, the account may have a password that somebody else knows. */
function offerReset(email) {
  const reset = element("reset");
  reset?.addEventListener("click", () =>
    press(reset, async () => {
      await call("/api/v1/auth/password/forgot", { email });
      reset.hidden = true;
      element("reset-done").hidden = false;
    }),
  );
}

element("reveal")?.addEventListener("change", (event) => {
  password.type = event.target.checked ? "text" : "password";
});

// Another link may be opened in the same tab.
addEventListener("hashchange", () => location.hash && begin());
begin();
