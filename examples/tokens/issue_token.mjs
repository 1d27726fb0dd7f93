// A chat token for a signed-in user, as an application's own backend issues it.
//
//   npm install jose
//   JWT_SECRET=… node issue_token.mjs USER NAME
import { SignJWT } from "jose";

const secret = new TextEncoder().encode(process.env.JWT_SECRET);

export async function chatToken(user) {
  return await new SignJWT({ name: user.name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user.id)
    .setExpirationTime("15m")
    .sign(secret);
}

const [id, name] = process.argv.slice(2);
console.log(await chatToken({ id, name }));
