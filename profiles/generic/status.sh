#!/bin/sh
# The state of a PBS job in Snakemake's words. LSF: bjobs -noheader -o stat NUMBER (DONE, EXIT).
state=$(qstat -x -f "$1" | awk '$1 == "job_state" || $1 == "Exit_status" { printf "%s ", $3 }')
case $state in
    "F 0 ") echo success ;;
    F*) echo failed ;;
    *) echo running ;;
esac
