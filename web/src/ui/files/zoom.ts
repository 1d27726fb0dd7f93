import { stillness } from "../page/use_media";

const GROW_MS = 160;
const SHRINK_MS = 100;

/**
 * Lets the picture in a viewer grow out of its thumbnail, or shrink into it. Where no thumbnail is in sight, the viewer
 * fades as a whole. `opener` is the one that the reader pressed, which may be in sight twice.
 */
export function zoom(viewer: HTMLElement, opener: Element | null, way: "in" | "out"): void {
  const picture = viewer.querySelector("img");
  const thumbnail = picture === null ? undefined : thumbnailOf(picture, opener);
  viewer.removeAttribute("data-zooms");
  if (picture === null || thumbnail === undefined || stillness.matches) return;
  viewer.dataset.zooms = way;
  showMeanwhile(picture, thumbnail);
  const small = laidOver(thumbnail.getBoundingClientRect(), picture.getBoundingClientRect());
  const whole = { transform: "none", clipPath: "inset(0)" };
  if (way === "in") picture.animate([small, whole], { duration: GROW_MS, easing: "ease-out" });
  else picture.animate([whole, small], { duration: SHRINK_MS, easing: "ease-in", fill: "forwards" });
}

function thumbnailOf(picture: HTMLElement, opener: Element | null): Element | undefined {
  const all = [...document.querySelectorAll<HTMLElement>(".picture")];
  const those = all.filter((each) => each.dataset.url === picture.dataset.url && isInSight(each));
  return those.find((each) => each === opener) ?? those[0];
}

/** Whether nothing that scrolls cuts an element. */
function isInSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  if (!element.checkVisibility() || top < 0 || bottom > innerHeight) return false;
  for (let around = element.parentElement; around !== null; around = around.parentElement) {
    if (getComputedStyle(around).overflowY === "visible") continue;
    const box = around.getBoundingClientRect();
    if (top < box.top || bottom > box.bottom) return false;
  }
  return true;
}

/** Shows the thumbnail in the place of a picture until that is loaded. */
function showMeanwhile(picture: HTMLImageElement, thumbnail: Element): void {
  const shown = thumbnail.querySelector("img");
  if (picture.complete || shown === null) return;
  picture.style.background = `center / cover url("${shown.currentSrc}")`;
  picture.addEventListener("load", () => picture.style.removeProperty("background"), { once: true });
}

/** Returns how a picture looks in the place of its thumbnail, which may show a part of it only. */
function laidOver(thumbnail: DOMRect, picture: DOMRect): Keyframe {
  const scale = Math.max(thumbnail.width / picture.width, thumbnail.height / picture.height);
  const across = thumbnail.left + thumbnail.width / 2 - picture.left - picture.width / 2;
  const down = thumbnail.top + thumbnail.height / 2 - picture.top - picture.height / 2;
  const [cutAbove, cutBeside] = [
    (picture.height - thumbnail.height / scale) / 2,
    (picture.width - thumbnail.width / scale) / 2,
  ];
  return {
    transform: `translate(${across}px, ${down}px) scale(${scale})`,
    clipPath: `inset(${cutAbove}px ${cutBeside}px round ${10 / scale}px)`,
  };
}
