// Holds the precompiled headers that the modules share (cmake/LastmileModule.cmake).
