#!/bin/sh
# Says what of this machine keeps the web client from being built, before anything is installed, and exits with 1.
#
# Vite needs what its package.json names: Node 20 from 20.19 on, 22 from 22.12 on, or later.

found=$(node --version 2>/dev/null) || found=none
numbers=${found#v}
major=${numbers%%.*}
rest=${numbers#*.}
minor=${rest%%.*}
case $found in
v[0-9]*) [ "$major" -gt 22 ] || { [ "$major" -eq 22 ] && [ "$minor" -ge 12 ]; } || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; } ;;
*) false ;;
esac || {
  echo "Node 20.19 or later (of Node 22: 22.12 or later, and not Node 21) is needed to build the web client; found ${found#v}." >&2
  echo "Install it with your package manager or from https://nodejs.org, and run the command again." >&2
  exit 1
}

command -v npm >/dev/null || {
  echo "npm is needed to install the packages of the web client; it is not on the PATH." >&2
  echo "Debian and others have it in a package of its own, npm; from https://nodejs.org it comes with Node." >&2
  exit 1
}
