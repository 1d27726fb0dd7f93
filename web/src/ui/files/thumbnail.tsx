import type { Attachment } from "@talkwire/client";
import { ImageOff } from "lucide-react";
import { isMoving } from "../../chat/files/files";
import { texts } from "../../texts";
import { useMedia } from "../use_media";
import { useFileUrl } from "./use_file_url";

const MAX_WIDTH = 320;
const MAX_HEIGHT = 260;
const MIN = 48;

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

interface Props {
  picture: Attachment;
  /** Whether it fills its place in a grid, cut where the place has another shape. */
  fills?: boolean;
  onOpen: () => void;
}

/** A thumbnail, or an animated picture. It has its final size from the start, so that nothing moves when it is loaded. */
export function Thumbnail({ picture, fills = false, onOpen }: Props) {
  const { name, url, thumbnailUrl = url, width = MAX_WIDTH, height = MAX_HEIGHT } = picture;
  const isStill = useMedia(stillness);
  const address = !isStill && isMoving(picture) ? url : thumbnailUrl;
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  const style = { width: Math.max(MIN, Math.round(width * scale)), aspectRatio: `${width} / ${height}` };
  return (
    <button
      type="button"
      className="picture"
      style={fills ? undefined : style}
      aria-label={texts.openPicture(name)}
      onClick={onOpen}
    >
      <Picture key={address} address={address} />
      {picture.animated && address !== url && (
        <span className="moves" aria-hidden="true">
          {texts.animated}
        </span>
      )}
    </button>
  );
}

function Picture({ address }: { address: string }) {
  const { fileUrl, isMissing, onFailure } = useFileUrl(address);
  if (isMissing)
    return (
      <span className="missing">
        <ImageOff className="icon" aria-hidden="true" />
        {texts.pictureMissing}
      </span>
    );
  return <img src={fileUrl} alt="" loading="lazy" decoding="async" onError={onFailure} />;
}
