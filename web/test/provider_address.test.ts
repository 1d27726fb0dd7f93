import { expect, it } from "vitest";
import { providerAddress } from "../src/ui/sign_in/provider_address";

it("leads to the provider below the page's path, and afterwards to the place", () => {
  const base = "https://chat.example.com/team/";
  expect(providerAddress(base, { conversation: null, message: undefined })).toBe(`${base}api/v1/auth/oidc`);
  expect(providerAddress(base, { conversation: "a&b", message: "8" })).toBe(
    `${base}api/v1/auth/oidc?conversation=a%26b&message=8`,
  );
});
