import { Suspense } from "react";
import { useStore } from "zustand";
import { useChat } from "../chat_context";
import { lazyPart } from "../lazy_part";

const Viewer = lazyPart(() => import("./viewer"));

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
