/** Returns the address that leads to the OpenID provider, and afterwards to this place. */
export function providerAddress(base: string, place: Readonly<Record<string, string | null | undefined>>): string {
  const address = new URL("api/v1/auth/oidc", base);
  for (const [name, value] of Object.entries(place)) if (value) address.searchParams.set(name, value);
  return address.href;
}
