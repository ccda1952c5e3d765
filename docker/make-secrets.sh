#!/bin/sh
# Makes the database's password, and the URL that holds it, in the volume on /run/secrets: once, so that each start after
# the first finds what the database was made with. Both files can be read by all, but only by services that mount the volume.
set -eu
cd /run/secrets
[ -s storage_url ] && exit 0
umask 022
password=$(python -c 'import secrets; print(secrets.token_hex(24))')
printf '%s' "$password" >postgres_password
# Last and at once: its presence says that both are whole.
printf 'postgresql://studyhall:%s@db/studyhall\n' "$password" >storage_url.new
mv storage_url.new storage_url
echo "made a password for the database"
