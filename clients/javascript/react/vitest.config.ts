import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@talkwire/client": fileURLToPath(new URL("../client/src/index.ts", import.meta.url)) } },
  test: { include: ["test/**/*.test.tsx"], environment: "happy-dom", testTimeout: 60_000 },
});
