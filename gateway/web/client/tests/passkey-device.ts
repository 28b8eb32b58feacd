import type { CDPSession, Page } from "@playwright/test";

/** A device with a screen lock that keeps passkeys, as Chromium simulates it for one page. */
export class PasskeyDevice {
  readonly #browser: CDPSession;
  readonly #authenticatorId: string;

  private constructor(browser: CDPSession, authenticatorId: string) {
    this.#browser = browser;
    this.#authenticatorId = authenticatorId;
  }

  static async attach(page: Page): Promise<PasskeyDevice> {
    const browser = await page.context().newCDPSession(page);
    await browser.send("WebAuthn.enable");
    const { authenticatorId } = await browser.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new PasskeyDevice(browser, authenticatorId);
  }

  /** Somebody unlocks it when asked, or nobody does. */
  async setUnlocked(isUserVerified: boolean): Promise<void> {
    await this.#browser.send("WebAuthn.setUserVerified", {
      authenticatorId: this.#authenticatorId,
      isUserVerified,
    });
  }

  /** Somebody touches it when asked, or nobody does. */
  async setAttended(enabled: boolean): Promise<void> {
    await this.#browser.send("WebAuthn.setAutomaticPresenceSimulation", {
      authenticatorId: this.#authenticatorId,
      enabled,
    });
  }
}
