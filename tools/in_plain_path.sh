#!/bin/sh
# Runs a command of Vite or Vitest in a folder of this clone:
#
# sh tools/in_plain_path.sh web npm test
#
# Vite reads `#` and `?` in a path as parts of a URL and `\` as `/`, and Vitest decodes `%`. Where the path of the clone
# has one of these, the command runs in a temporary copy of the clone: `web` and `clients` as hard links, or as copies in
# another file system, and everything else as symbolic links. So what Vite builds below `src` is in the clone.
set -eu

folder=$1
shift
cd "$(dirname "$0")/.."
root=$(pwd -P)
case $root in
*[#?%\\]*) ;;
*) cd "$folder" && exec "$@" ;;
esac

plain=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$plain"' EXIT
trap 'exit 130' INT TERM
case $plain in
*[#?%\\]*)
  printf '%s\n' "Vite cannot read #, ?, % and \\ in a path; the folder of this clone, $root, has one of them, and so has" \
    "the folder of temporary files, where a copy could lie, $plain." \
    'Name another folder for temporary files, such as TMPDIR=/tmp.' >&2
  exit 1
  ;;
esac
for entry in *; do
  case $entry in
  web | clients) cp -al "$entry" "$plain" 2>/dev/null || { rm -rf "${plain:?}/$entry" && cp -RP "$entry" "$plain"; } ;;
  *) ln -s "$root/$entry" "$plain" ;;
  esac
done
cd "$plain/$folder"
"$@"
