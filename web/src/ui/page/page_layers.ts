/** The layers of this page. */

import { isFramed } from "../../embedding/framed";
import { type LayerHistory, Layers } from "./layers";

let started: Layers | undefined;

/** Returns the layers of the page, which follow the browser's history from the first call on. */
export function pageLayers(): Layers {
  started ??= start(new Layers(pageHistory, !isFramed));
  return started;
}

const pageHistory: LayerHistory = {
  get state() {
    return history.state;
  },
  get address() {
    return location.href;
  },
  visit: (address) => location.assign(address),
  pushState: (state, unused) => history.pushState(state, unused),
  replaceState: (state, unused) => history.replaceState(state, unused),
  go: (delta) => history.go(delta),
};

function start(layers: Layers): Layers {
  addEventListener("popstate", () => layers.moved());
  addEventListener("click", (event) => follow(event, layers));
  return layers;
}

/** Follows a link. The browser would put the new entry above those of the layers, which would stay. */
function follow(event: MouseEvent, layers: Layers): void {
  const { target, button, defaultPrevented } = event;
  const isOtherwise = defaultPrevented || button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey;
  if (isOtherwise || layers.isEmpty || !(target instanceof Element)) return;
  const link = target.closest<HTMLAnchorElement>("a[href]");
  if (link === null || link.origin !== location.origin || link.target !== "" || link.hasAttribute("download")) return;
  event.preventDefault();
  const { href } = link;
  layers.leave(() => location.assign(href));
}
