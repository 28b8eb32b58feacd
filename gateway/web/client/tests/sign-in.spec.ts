import { expect, linkOf, test, waitForMail } from "./fixtures.ts";
import type { Page } from "@playwright/test";

async function fillSignIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

test("somebody signs in and goes on to where they were going", async ({ page, person }) => {
  const ada = await person("Ada Lovelace");
  await page.goto("/projects");
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await fillSignIn(page, ada.email, ada.password);
  await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/projects$/);
});

test("a link to the sign-in page leads nowhere else afterwards", async ({ page, person }) => {
  const ada = await person();
  await page.goto("/login?redirect=https%3A%2F%2Fexample.com%2Fphishing");
  await fillSignIn(page, ada.email, ada.password);
  await expect(page).toHaveURL(/\/dashboard$/);
  // Who is signed in has nothing to do there.
  await page.goto("/login?redirect=%2F%2Fexample.com");
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("a wrong password is said, and what was typed stays", async ({ page, person }) => {
  const ada = await person();
  await page.goto("/login");
  await fillSignIn(page, ada.email, "not the password");
  await expect(page.getByRole("alert")).toHaveText("Email or password is wrong.");
  await expect(page.getByLabel("Email")).toHaveValue(ada.email);
  await page.getByLabel("Password", { exact: true }).fill(ada.password);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("nothing typed is said at the fields", async ({ page }) => {
  await page.goto("/login");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription("This is needed.");
  await expect(page.getByLabel("Password", { exact: true })).toHaveAccessibleDescription("This is needed.");
  await expect(page.getByLabel("Email")).toBeFocused();
});

test("somebody signs out", async ({ page, person, signIn }) => {
  await signIn(await person());
  await page.goto("/dashboard");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
  await page.goto("/dashboard");
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("who guesses passwords is told how long to wait", async ({ page, startWith }) => {
  const program = await startWith({ PORTICO_AUTH_THROTTLE: "on" });
  await page.goto(`${program.url}/login`);
  // The pause doubles with each further guess, so that a slow guesser comes too early at last, too.
  let status = 0;
  for (let attempt = 0; status !== 429; attempt += 1) {
    const answer = page.waitForResponse("**/api/v1/auth/login");
    await fillSignIn(page, program.admin.email, `guess number ${attempt}`);
    status = (await answer).status();
  }
  await expect(page.getByRole("alert")).toHaveText(/^Too many attempts\. Try again in \d+ (s|minutes)\.$/);
});

test("where emails are verified first, signing in sends the mail again", async ({ page, startWith }) => {
  const program = await startWith({ PORTICO_REQUIRE_VERIFIED_EMAIL: "true" });
  await page.goto(`${program.url}/register`);
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("Password", { exact: true }).fill("the right battery staple");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "Look into your mail", level: 1 })).toBeVisible();
  await waitForMail(program, "ada@example.com", "onfirm your e-mail address");

  await page.getByRole("link", { name: "Sign in" }).click();
  await fillSignIn(page, "ada@example.com", "the right battery staple");
  await expect(page.getByText("Your email is not verified yet.")).toBeVisible();
  await page.getByRole("button", { name: "Send another mail" }).click();
  await expect(page.getByText("Another mail is on its way.")).toBeVisible();

  await page.goto(linkOf(await waitForMail(program, "ada@example.com", "onfirm your e-mail address")));
  await page.getByRole("button", { name: "Verify email" }).click();
  await expect(page.getByRole("heading", { name: "Email verified", level: 1 })).toBeVisible();
  await page.getByRole("link", { name: "Continue" }).click();
  await fillSignIn(page, "ada@example.com", "the right battery staple");
  await expect(page).toHaveURL(/\/dashboard$/);
});
