import { expect, linkOf, test } from "./fixtures.ts";

test("who forgot the password chooses another one", async ({ page, person, mail }) => {
  const ada = await person();
  await page.goto("/login");
  await page.getByRole("link", { name: "Forgot password?" }).click();
  await page.getByLabel("Email").fill(ada.email);
  await page.getByRole("button", { name: "Send link" }).click();
  await expect(page.getByText(`If there is an account with ${ada.email}`)).toBeVisible();

  const link = linkOf(await mail(ada.email, "Choose a new password"));
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Choose a new password", level: 1 })).toBeVisible();
  expect(new URL(page.url()).hash, "the token is taken out of the address").toBe("");
  await page.getByLabel("New password").fill("password");
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByLabel("New password")).toHaveAccessibleDescription(/Choose another one/);
  await page.getByLabel("New password").fill("another battery staple");
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByRole("heading", { name: "Password set", level: 1 })).toBeVisible();

  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Email").fill(ada.email);
  await page.getByLabel("Password", { exact: true }).fill("another battery staple");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/dashboard$/);

  // The link works once, and says what to do then.
  await page.goto(link);
  await page.getByLabel("New password").fill("yet another battery staple");
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByRole("alert")).toContainText("expired, was used already");
  await page.getByRole("link", { name: "Get a new link" }).click();
  await expect(page.getByRole("heading", { name: "Forgot your password?", level: 1 })).toBeVisible();
});

test("whether an account exists is not said", async ({ page }) => {
  await page.goto("/forgot-password");
  await page.getByLabel("Email").fill("nobody-has-this@example.com");
  await page.getByRole("button", { name: "Send link" }).click();
  await expect(page.getByText("If there is an account with nobody-has-this@example.com")).toBeVisible();
});

test("whoever gets an account from an administrator chooses a password for it", async ({
  page,
  admin,
  mail,
}) => {
  const email = `grace-${Date.now()}@example.com`;
  await admin.portico.users.create({ email, name: "Grace Hopper" });
  await page.goto(linkOf(await mail(email, "Choose a password for your account")));
  await expect(page.getByRole("heading", { name: "Choose a password", level: 1 })).toBeVisible();
  await page.getByLabel("New password").fill("the right battery staple");
  await page.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByText("Your account is ready.")).toBeVisible();
});

test("an email is changed, confirmed by the new address, and given back to the old one", async ({
  page,
  person,
  signIn,
  mail,
}) => {
  const ada = await person();
  const newEmail = `new-${ada.email}`;
  await signIn(ada);
  await page.goto("/settings");
  await page.getByLabel("New email").fill(newEmail);
  await page.getByRole("button", { name: "Change email" }).click();
  await expect(page.getByText(`A mail is on its way to ${newEmail}.`)).toBeVisible();

  await page.goto(linkOf(await mail(newEmail, "Confirm your new e-mail address")));
  await expect(page.getByRole("heading", { name: "Confirm your new email", level: 1 })).toBeVisible();
  await page.getByRole("button", { name: "Confirm new email" }).click();
  await expect(page.getByText(`Your account has the email ${newEmail} now.`)).toBeVisible();
  await page.getByRole("link", { name: "Continue" }).click();
  await page.goto("/settings");
  await expect(page.getByText(newEmail).first()).toBeVisible();

  await page.goto(linkOf(await mail(ada.email, "Your e-mail address is being changed")));
  await expect(page.getByRole("heading", { name: "Undo the change of your email", level: 1 })).toBeVisible();
  await page.getByRole("button", { name: "Undo the change" }).click();
  await expect(page.getByText(`Your account has the email ${ada.email} again`)).toBeVisible();
  await page.getByRole("button", { name: "Send me a link for a new password" }).click();
  await expect(page.getByText(`A mail with a link is on its way to ${ada.email}.`)).toBeVisible();
  await mail(ada.email, "Choose a new password");
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("opening a link uses nothing up", async ({ page, person, mail, open }) => {
  const ada = await person();
  const link = linkOf(await mail(ada.email, "onfirm your e-mail address"));
  const scanner = await open();
  await scanner.goto(link);
  await expect(scanner.getByRole("button", { name: "Verify email" })).toBeVisible();
  await page.goto(link);
  await page.getByRole("button", { name: "Verify email" }).click();
  await expect(page.getByRole("heading", { name: "Email verified", level: 1 })).toBeVisible();
  await scanner.getByRole("button", { name: "Verify email" }).click();
  await expect(scanner.getByRole("alert")).toContainText("expired, was used already");
});

for (const path of [
  "/reset-password",
  "/set-password",
  "/verify-email",
  "/confirm-email",
  "/undo-email-change",
]) {
  test(`a link to ${path} without its token says so`, async ({ page }) => {
    await page.goto(path);
    await expect(page.getByRole("alert")).toContainText("This link is incomplete.");
    await expect(page.getByRole("main").getByRole("link").first()).toBeVisible();
  });
}
