// A certified OpenID provider with its own sign-in page, for the tests: any name signs in with any password.
//
//   node openid_provider.mjs PORT
//
// The tests set what it knows with POST /control: `people` (claims by name), `redirects` (the allowed redirect
// addresses), and `forged` (changes to the next ID tokens, which it then signs as all others). GET /control returns the
// parameters of the last requests to the authorization and the token endpoint.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const kid = `key-${Date.now()}`;
const { privateKey } = await generateKeyPair("RS256", { extractable: true });

const known = { people: {}, redirects: [], forged: {} };
const seen = { authorization: {}, token: {} };

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), kid, alg: "RS256", use: "sig" }] },
  clients: [{ client_id: "talkwire", client_secret: "a secret", redirect_uris: [`${issuer}/none`] }],
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "given_name", "family_name", "preferred_username", "picture"],
  },
  cookies: { keys: ["of the tests"] },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ ...known.people[sub], sub }) }),
});
provider.Client.prototype.redirectUriAllowed = (uri) => known.redirects.includes(uri);

async function forged(idToken) {
  const claims = { ...JSON.parse(Buffer.from(idToken.split(".")[1], "base64url")), ...known.forged.claims };
  const key = known.forged.otherKey ? (await generateKeyPair("RS256")).privateKey : privateKey;
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(key);
}

async function json(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks));
}

provider.use(async (ctx, next) => {
  if (ctx.path === "/control") {
    if (ctx.method === "POST") Object.assign(known, await json(ctx.req));
    ctx.body = seen;
    return;
  }
  if (ctx.path === "/auth") seen.authorization = { ...ctx.query };
  await next();
  if (ctx.path !== "/token") return;
  seen.token = { ...ctx.oidc?.params, authorization: ctx.get("authorization").split(" ")[0] };
  if (ctx.body?.id_token && Object.keys(known.forged).length > 0) ctx.body.id_token = await forged(ctx.body.id_token);
});

provider.listen(port, "127.0.0.1", () => console.log("listening"));
