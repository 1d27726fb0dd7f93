/**
 * Has browsers load scripts and styles before the first script imports them: those of the page together with it, and
 * those of the chat where public/theme.js finds a session.
 */

import type { HtmlTagDescriptor, Plugin, Rolldown } from "vite";

/** The module that the first script imports as soon as it knows the language. */
const PAGE = /\/ui\/show\.tsx$/;
/** The module that the page imports for signed-in readers. */
const CHAT = /\/ui\/signed_in\.tsx$/;

export function preloaded(): Plugin {
  return {
    name: "preloaded",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle, chunk: first }) => {
        if (bundle === undefined || first === undefined) return [];
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        const linked = filesOf([first], chunks);
        const page = filesOf(chunksWith(PAGE, chunks), chunks).filter((name) => !linked.includes(name));
        const chat = filesOf(chunksWith(CHAT, chunks), chunks).filter((name) => ![...linked, ...page].includes(name));
        return [...page.map((name) => tag(name, "rel")), ...chat.map((name) => tag(name, "data-rel"))];
      },
    },
  };
}

function chunksWith(module: RegExp, chunks: readonly Rolldown.OutputChunk[]): Rolldown.OutputChunk[] {
  const found = chunks.filter(({ moduleIds }) => moduleIds.some((id) => module.test(id)));
  if (found.length === 0) throw new Error(`nothing is built of ${module}`);
  return found;
}

/** Returns the names of chunks, of those that they import, and of the styles of both. */
function filesOf(wanted: Rolldown.OutputChunk[], chunks: readonly Rolldown.OutputChunk[]): string[] {
  const found = new Set(wanted);
  for (const { imports } of found) for (const each of chunks) if (imports.includes(each.fileName)) found.add(each);
  return [...found].flatMap(({ fileName, viteMetadata }) => [fileName, ...(viteMetadata?.importedCss ?? [])]);
}

/** `rel`: the attribute for the link's kind. Browsers load nothing for `data-rel`. */
function tag(name: string, rel: "rel" | "data-rel"): HtmlTagDescriptor {
  const kind = name.endsWith(".css") ? "stylesheet" : "modulepreload";
  // Before the script that looks for a session.
  return { tag: "link", attrs: { [rel]: kind, crossorigin: true, href: `./${name}` }, injectTo: "head-prepend" };
}
