#!/usr/bin/env bash
# A disk whose power can be cut at any instant: an ext4 in a file that lies on an XFS, which clones files in milliseconds. A clone holds
# what ext4 had sent to its disk by then; everything not flushed is missing from it. Needs root, losetup, xfsprogs, e2fsprogs.
#   up DIR GIB      a disk, mounted on DIR/disk          cut DIR NAME    clone it as a power cut would leave it now
#   mount DIR NAME  the clone, mounted on DIR/NAME       drop DIR NAME   unmount and delete it         down DIR   everything
set -euo pipefail
verb=$1 dir=$2
unmount() { if mountpoint -q "$1"; then umount "$1"; fi; }
case $verb in
  up)
    mkdir -p "$dir/outer" "$dir/disk"
    truncate -s "$(($3 * 4))G" "$dir/outer.img"
    mkfs.xfs -q -f -m reflink=1 "$dir/outer.img"
    mount -o loop "$dir/outer.img" "$dir/outer"
    truncate -s "$3G" "$dir/outer/disk.img"
    mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$dir/outer/disk.img"
    mount -o loop "$dir/outer/disk.img" "$dir/disk"
    ;;
  cut) cp --reflink=always "$dir/outer/disk.img" "$dir/outer/$3.img" ;;
  mount) mkdir -p "$dir/$3" && mount -o loop "$dir/outer/$3.img" "$dir/$3" ;;
  drop) unmount "$dir/$3"; rm -f "$dir/outer/$3.img"; rmdir "$dir/$3" ;;
  down)
    for mounted in "$dir"/*/; do
      [[ $mounted == "$dir/outer/" ]] || unmount "$mounted"
    done
    unmount "$dir/outer"
    rm -rf "$dir"
    ;;
  *) sed -n 2,6p "$0" >&2; exit 2 ;;
esac
