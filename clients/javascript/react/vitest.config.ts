import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const client = (module: string): string => fileURLToPath(new URL(`../client/src/${module}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      "@talkwire/client/cards": client("cards/index.ts"),
      "@talkwire/client/desk": client("desk/index.ts"),
      "@talkwire/client": client("index.ts"),
    },
  },
  test: { include: ["test/**/*.test.tsx"], environment: "happy-dom", testTimeout: 60_000 },
});
