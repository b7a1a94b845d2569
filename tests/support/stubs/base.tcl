# Stand-ins for a vendor tool's Tcl commands: each is declared with the options that the tool's
# documentation gives it, records its calls, and refuses everything else.

namespace eval stub {
    variable calls {}
    variable facts {}
}

# An error that says where it comes from, so that a test can tell it from a Tcl error of the script.
proc stub::refuse {message} {
    return -level 2 -code error -errorcode {STUB REFUSED} $message
}

# A line for the record that Python reads: fields separated by tabs.
proc stub::fact {args} {
    lappend stub::facts [join $args \t]
}

# documented NAME OPTIONS MIN MAX BODY: OPTIONS is a list of option names, those that take a value
# written as -name= (where -name=value and -name value are both taken). BODY sees the dictionary
# `given` and the list `values`.
proc documented {name options least most body} {
    proc ::stub::body_of_$name {given values} $body
    proc ::$name {args} [string map [list @name $name @options $options @least $least @most $most] {
        set given [dict create]
        set values {}
        for {set i 0} {$i < [llength $args]} {incr i} {
            set word [lindex $args $i]
            if {![regexp {^-[a-zA-Z]} $word]} {
                lappend values $word
                continue
            }
            set attached [regexp {^(-[^=]+)=(.*)$} $word -> word value]
            if {"$word=" in {@options}} {
                if {!$attached} {
                    if {[incr i] >= [llength $args]} {
                        return -code error -errorcode {STUB REFUSED} "@name: $word needs a value"
                    }
                    set value [lindex $args $i]
                }
                dict set given $word $value
            } elseif {$word in {@options} && !$attached} {
                dict set given $word 1
            } else {
                return -code error -errorcode {STUB REFUSED} "@name: no such option $word"
            }
        }
        if {[llength $values] < @least || [llength $values] > @most} {
            return -code error -errorcode {STUB REFUSED} \
                "@name: [llength $values] arguments, not @least to @most"
        }
        lappend ::stub::calls @name
        ::stub::fact call @name $given $values
        return [::stub::body_of_@name $given $values]
    }]
}

proc unknown {name args} {
    return -code error -errorcode {STUB REFUSED} "unknown command $name"
}

# The Tcl inside Python has no exit of its own.
catch {rename exit stub::real_exit}
proc exit {{code 0}} {
    return -code error -errorcode [list STUB EXIT $code] "exit $code"
}

# Runs a script as the tool would, writes the record, and gives the exit status.
proc stub::run {script record} {
    set status 0
    if {[catch {uplevel #0 [list source $script]} message options]} {
        set code [dict get $options -errorcode]
        if {[lrange $code 0 1] eq {STUB EXIT}} {
            set status [lindex $code 2]
        } else {
            set status 1
            puts "ERROR: $message"
            stub::fact error [string map {\n { } \t { }} $message]
        }
    }
    if {[info commands ::stub::finish] ne ""} {
        ::stub::finish
    }
    if {$record ne ""} {
        set file [open $record w]
        puts $file [join $stub::facts \n]
        close $file
    }
    return $status
}
