import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { useChat } from "../chat_context";

const Viewer = lazy(() => import("./viewer"));

/** Shows the open picture, if there is one. */
export function ViewerHost() {
  const viewing = useStore(useChat().files.viewing);
  if (viewing === null) return null;
  return (
    <Suspense>
      <Viewer viewing={viewing} />
    </Suspense>
  );
}
