#!/usr/bin/env bash
# Writes every generated file anew; the same tests without UPDATE_GENERATED fail when one is stale.
set -euo pipefail
UPDATE_GENERATED=1 INSTA_UPDATE=always scripts/tests.sh unit
