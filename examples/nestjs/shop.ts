// What the shop has with and without its own gateway: orders, and tokens of its customers.
import { SignJWT, jwtVerify } from "jose";

const secret = new TextEncoder().encode(process.env.JWT_SECRET);

export const orders = new Map([["7", { buyer: "alice", status: "paid" }]]);

export type User = { id: string; name: string };

export function tokenOf(user: User, claims = {}) {
  const token = new SignJWT({ name: user.name, ...claims }).setProtectedHeader({ alg: "HS256" });
  return token.setSubject(user.id).setExpirationTime("15m").sign(secret);
}

export async function userOf(token: string): Promise<User> {
  const { payload } = await jwtVerify(token, secret);
  return { id: String(payload.sub), name: String(payload.name) };
}
