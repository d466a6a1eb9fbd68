set(BANTAM_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wmissing-prototypes
    -Wstrict-prototypes -Wwrite-strings -Wno-float-conversion -Wno-psabi)
if(BANTAM_WERROR)
    list(APPEND BANTAM_WARNINGS -Werror)
endif()
