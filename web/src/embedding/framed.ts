/** Whether the page is in a frame. */
export const isFramed = globalThis.window !== undefined && window.parent !== window;
