import { expect, linkOf, test } from "./fixtures.ts";
import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";

const newAddress = () => `grace-${randomUUID().slice(0, 8)}@example.com`;

async function fillRegistration(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Name").fill("Grace Hopper");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
}

test("somebody makes an account, and verifies the email by the link in the mail", async ({ page, mail }) => {
  const email = newAddress();
  await page.goto("/login?redirect=%2Finvitations");
  await page.getByRole("link", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "Create account", level: 1 })).toBeVisible();
  await fillRegistration(page, email, "the right battery staple");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/invitations$/);

  await page.goto(linkOf(await mail(email, "onfirm your e-mail address")));
  await expect(page.getByRole("heading", { name: "Verify your email", level: 1 })).toBeVisible();
  expect(new URL(page.url()).hash, "the token is taken out of the address").toBe("");
  await page.getByRole("button", { name: "Verify email" }).click();
  await expect(page.getByText(`${email} is verified.`)).toBeVisible();
  await page.getByRole("link", { name: "Continue" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
  await page.goto("/settings");
  await expect(page.getByText("Verified", { exact: true })).toBeVisible();
});

test("a hint says how hard a password is to guess, and stops nobody", async ({ page }) => {
  await page.goto("/register");
  const password = page.getByLabel("Password", { exact: true });
  await expect(password).toHaveAccessibleDescription(/At least 8 characters/);
  await fillRegistration(page, newAddress(), "password1");
  await expect(password).toHaveAccessibleDescription(/breached|stolen|common/);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(password).toHaveAccessibleDescription(/Choose another one/);
  await expect(password).toBeFocused();
  await password.fill("gracehopper");
  await expect(password).toHaveAccessibleDescription(/Your name and address are guessed first/);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
});

test("an email that is taken leads to signing in", async ({ page, person }) => {
  const ada = await person();
  await page.goto("/register");
  await fillRegistration(page, ada.email, "the right battery staple");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(
    /There is an account with this email already/,
  );
  await page.getByRole("link", { name: "Sign in instead" }).click();
  await expect(page.getByRole("heading", { name: "Sign in", level: 1 })).toBeVisible();
});

test("everything that is wrong is said at its field", async ({ page }) => {
  await page.goto("/register");
  await fillRegistration(page, "nobody", "short");
  await page.getByLabel("Name").fill("");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Name")).toHaveAccessibleDescription("This is needed.");
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription("This is not an email address.");
  await expect(page.getByLabel("Password", { exact: true })).toHaveAccessibleDescription(
    /Use at least 8 characters/,
  );
  await expect(page.getByLabel("Name")).toBeFocused();
});
