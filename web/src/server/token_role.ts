/** Returns whether a token says that its user is an admin. It only decides what is offered; the server verifies tokens. */
export function hasAdminRole(token: string | undefined): boolean {
  try {
    const claims = token?.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    const { role } = JSON.parse(atob(claims)) as { role?: unknown };
    return role === "admin" || (Array.isArray(role) && role.includes("admin"));
  } catch {
    return false;
  }
}
