/** Has browsers load the page's own script and styles together with the first script, which imports them later. */

import type { HtmlTagDescriptor, Plugin, Rolldown } from "vite";

/** The module that the first script imports as soon as it knows the language. */
const IMPORTED = /\/ui\/show\.tsx$/;

export function preloaded(): Plugin {
  return {
    name: "preloaded",
    transformIndexHtml: {
      order: "post",
      handler: (_, { bundle, chunk: first }) => {
        if (bundle === undefined || first === undefined) return [];
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        const page = chunks.find(({ facadeModuleId }) => facadeModuleId !== null && IMPORTED.test(facadeModuleId));
        if (page === undefined) throw new Error("the page's script is not built");
        const known = new Set([first.fileName, ...first.imports]);
        const scripts = [page.fileName, ...page.imports].filter((name) => !known.has(name));
        const used = [page, ...chunks.filter(({ fileName }) => page.imports.includes(fileName))];
        const linked = stylesOf(first);
        const styles = new Set(used.flatMap(stylesOf).filter((name) => !linked.includes(name)));
        return [...scripts.map(scriptTag), ...[...styles].map(styleTag)];
      },
    },
  };
}

const stylesOf = (chunk: Rolldown.OutputChunk): string[] => [...(chunk.viteMetadata?.importedCss ?? [])];

const scriptTag = (name: string): HtmlTagDescriptor => ({
  tag: "link",
  attrs: { rel: "modulepreload", crossorigin: true, href: `./${name}` },
  injectTo: "head",
});

const styleTag = (name: string): HtmlTagDescriptor => ({
  tag: "link",
  attrs: { rel: "stylesheet", crossorigin: true, href: `./${name}` },
  injectTo: "head",
});
