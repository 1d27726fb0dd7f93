/** What a client can read in a token. Only the server verifies tokens. */

export interface TokenContent {
  /** Undefined when the token is no JSON Web Token. */
  readonly subject?: string;
  /** Milliseconds since 1970, by this device's clock. Undefined when the token does not say. */
  readonly expiresAt?: number;
}

/** Returns whether a text can be sent as a token in a header. */
export function isToken(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly iat?: unknown;
}

export function contentOf(token: string, nowMs: number): TokenContent {
  const { sub, exp, iat } = claimsOf(token);
  return {
    ...(typeof sub === "string" && { subject: sub }),
    ...(typeof exp === "number" && { expiresAt: expiryOf(exp, iat, nowMs) }),
  };
}

/** A device's clock may be wrong. Then the token was just issued, and is valid for its whole lifetime. */
function expiryOf(exp: number, iat: unknown, nowMs: number): number {
  const isWrong = typeof iat === "number" && (nowMs >= exp * 1000 || nowMs < iat * 1000 - CLOCK_TOLERANCE_MS);
  return isWrong ? nowMs + (exp - iat) * 1000 : exp * 1000;
}

const CLOCK_TOLERANCE_MS = 5_000;

function claimsOf(token: string): Claims {
  try {
    const part = token.split(".")[1] ?? "";
    const bytes = [...atob(part.replace(/-/g, "+").replace(/_/g, "/"))].map((sign) => sign.charCodeAt(0));
    // React Native has no `TextDecoder`.
    const encoded = bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const claims: unknown = JSON.parse(decodeURIComponent(encoded));
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
